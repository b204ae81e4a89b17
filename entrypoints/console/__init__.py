"""The web page at `/`: its HTML, style, icons and ES modules, which are served as they are."""
