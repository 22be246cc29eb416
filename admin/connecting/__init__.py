"""Connectors in the browser: joining a department from nothing to live, and watching it afterwards."""
