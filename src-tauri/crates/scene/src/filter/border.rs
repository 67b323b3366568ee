use crate::parameter::parameters;

parameters! {
    /// A line around the box.
    Border("border", "Border", "A line around the picture") {
        /// Of the line.
        width: f32 = number(4.0, 0.0, 200.0, 1.0, "px"), "Width";
        /// Of the line.
        color: String = color("#ffffff"), "Colour";
        /// Of its outer corners; as round as the picture's corners and the width together.
        radius: f32 = number(0.0, 0.0, 2000.0, 1.0, "px"), "Corners";
    }
}
