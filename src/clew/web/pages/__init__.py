"""The pages: each module turns a request into one page's context and hands it to its template."""
