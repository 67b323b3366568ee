use crate::parameter::parameters;

parameters! {
    /// A look as a table of colours.
    Lut("lut", "LUT", "A look from a .cube file") {
        /// A `.cube` file.
        path: String = file(Lut), "File";
        /// How much of it.
        amount: f32 = number(1.0, 0.0, 1.0, 0.01, ""), "Amount";
    }
}
