use crate::parameter::parameters;

parameters! {
    /// Rounds the corners; half the shorter side or more makes a circle of a square.
    RoundedCorners("rounded_corners", "Rounded corners", "Rounds the corners, up to a circle") {
        /// Of the corners.
        radius: f32 = number(24.0, 0.0, 2000.0, 1.0, "px"), "Radius";
    }
}
