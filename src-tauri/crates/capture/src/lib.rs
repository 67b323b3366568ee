//! Native devices: cameras, microphones and screens.
