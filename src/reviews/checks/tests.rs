//! Labelled sentences and properties.
