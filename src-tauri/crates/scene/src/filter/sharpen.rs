use crate::parameter::parameters;

parameters! {
    /// Makes crisp.
    Sharpen("sharpen", "Sharpen", "Makes a soft camera crisp") {
        /// How much.
        amount: f32 = number(0.5, 0.0, 2.0, 0.01, ""), "Amount";
    }
}
