//! The compositor: a picture from a scene, its frames and the time.
