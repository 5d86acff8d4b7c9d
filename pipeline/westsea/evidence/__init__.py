"""What only many passes tell: objects that never move, and ships that lie together for days."""
