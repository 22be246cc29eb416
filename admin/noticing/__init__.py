"""The pages of 窗口提醒, 告警 and the health of departments."""
