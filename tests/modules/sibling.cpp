int sibling() { return 1; }
