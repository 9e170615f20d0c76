"""The mapped layout: chunk files of plain rows, mapped into memory as one array."""
