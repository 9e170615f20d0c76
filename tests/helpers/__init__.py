"""What tests of several rooms share; never a test module itself."""
