"""网页收件箱: a department without any system receives, signs for and answers what is pushed to it, in the browser."""
