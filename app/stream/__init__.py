"""From a notification to the frames of every open stream."""
