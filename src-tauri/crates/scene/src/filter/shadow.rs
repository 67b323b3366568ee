use crate::parameter::parameters;

parameters! {
    /// A soft copy below.
    Shadow("shadow", "Shadow", "A soft shadow below the picture") {
        /// To the right.
        x: f32 = number(6.0, -200.0, 200.0, 1.0, "px"), "Right";
        /// Down.
        y: f32 = number(6.0, -200.0, 200.0, 1.0, "px"), "Down";
        /// How soft.
        blur: f32 = number(12.0, 0.0, 100.0, 1.0, "px"), "Softness";
        /// With its opacity.
        color: String = color("#000000b3"), "Colour";
    }
}
