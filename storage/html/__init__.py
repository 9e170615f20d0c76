"""What a browser shows: tables, pages and small pictures."""
