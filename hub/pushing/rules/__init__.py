"""Push rules 推送规则: items x area x result x party kind x elements -> departments, what each may see, and its limits."""
