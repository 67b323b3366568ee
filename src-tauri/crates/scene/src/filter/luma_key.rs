use crate::parameter::parameters;

parameters! {
    /// Makes what is dark or bright transparent.
    LumaKey("luma_key", "Luma key", "Makes what is dark or bright transparent") {
        /// Darker than this goes.
        low: f32 = number(0.1, 0.0, 1.0, 0.01, ""), "From brightness";
        /// Brighter than this goes.
        high: f32 = number(1.0, 0.0, 1.0, 0.01, ""), "To brightness";
        /// How softly it ends there.
        smoothness: f32 = number(0.05, 0.0, 1.0, 0.01, ""), "Smoothness";
        /// The other part goes.
        invert: bool = toggle(false), "Invert";
    }
}
