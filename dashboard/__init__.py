"""The dashboard: Streamlit views that draw what ``app.queries`` answers."""
