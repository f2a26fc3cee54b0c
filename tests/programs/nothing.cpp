// A target that has only precompiled headers needs a source all the same.
