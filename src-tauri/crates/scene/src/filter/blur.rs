use crate::parameter::parameters;

parameters! {
    /// Makes soft.
    Blur("blur", "Blur", "Makes a background soft or a text unreadable") {
        /// How far a point spreads.
        radius: f32 = number(8.0, 0.0, 200.0, 1.0, "px"), "Radius";
    }
}
