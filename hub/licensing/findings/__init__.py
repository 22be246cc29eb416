"""What findings do to licences: rules that data administrators keep, proposals that a person settles."""
