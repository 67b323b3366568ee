use crate::parameter::parameters;

parameters! {
    /// Cuts edges off, or adds empty ones where negative.
    CropPad("crop_pad", "Crop and pad", "Cuts edges off; negative numbers add empty ones") {
        /// From the left edge.
        left: f32 = number(0.0, -4096.0, 4096.0, 1.0, "px"), "Left";
        /// From the top edge.
        top: f32 = number(0.0, -4096.0, 4096.0, 1.0, "px"), "Top";
        /// From the right edge.
        right: f32 = number(0.0, -4096.0, 4096.0, 1.0, "px"), "Right";
        /// From the bottom edge.
        bottom: f32 = number(0.0, -4096.0, 4096.0, 1.0, "px"), "Bottom";
    }
}
