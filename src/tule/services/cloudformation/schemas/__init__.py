"""Resource schemas: which types AWS has, and what their properties may be.  Read when first asked for, a namespace at a time."""
