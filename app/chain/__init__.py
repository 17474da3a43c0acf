"""The hash chain outside the database: computed again, and checkpoints as they are kept."""
