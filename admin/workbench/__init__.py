"""窗口工作台: the page clerks live in: look a party up, gather what an application needs, accept it, print the receipt."""
