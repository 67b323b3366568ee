use crate::parameter::parameters;

parameters! {
    /// Exposure, contrast and colour, and opacity.
    ColorCorrection("color_correction", "Colour correction", "Exposure, contrast, colour and opacity") {
        /// In stops.
        exposure: f32 = number(0.0, -4.0, 4.0, 0.05, "EV"), "Exposure";
        /// Around middle grey.
        contrast: f32 = number(0.0, -1.0, 1.0, 0.01, ""), "Contrast";
        /// −1 is grey.
        saturation: f32 = number(0.0, -1.0, 2.0, 0.01, ""), "Saturation";
        /// Around the circle of colours.
        hue: f32 = number(0.0, -180.0, 180.0, 1.0, "°"), "Hue";
        /// Colder below 0, warmer above.
        temperature: f32 = number(0.0, -1.0, 1.0, 0.01, ""), "Temperature";
        /// Middle tones: darker below 1, brighter above.
        gamma: f32 = number(1.0, 0.1, 4.0, 0.01, ""), "Gamma";
        /// 0 (invisible) to 1.
        opacity: f32 = number(1.0, 0.0, 1.0, 0.01, ""), "Opacity";
    }
}
