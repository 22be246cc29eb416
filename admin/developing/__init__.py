"""开发者文档: what somebody needs who writes code against the hub, on pages that ask nothing of the internet."""
