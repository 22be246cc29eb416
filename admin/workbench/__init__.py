"""窗口工作台: the page clerks live in. Looks a party up, gathers what an application needs, accepts it, prints the receipt."""
