use crate::parameter::{choices, parameters};

choices! {
    /// What of a mask's picture counts.
    MaskChannel {
        /// Its transparency.
        Alpha = "alpha", "Transparency";
        /// Its brightness.
        Luma = "luma", "Brightness";
    }
}

choices! {
    /// What a mask does.
    MaskMode {
        /// What the mask leaves out becomes transparent.
        Cut = "cut", "Cut out";
        /// The mask's picture is laid over.
        Over = "over", "Lay over";
        /// The mask's picture is added.
        Add = "add", "Add";
        /// The mask's picture is multiplied.
        Multiply = "multiply", "Multiply";
    }
}

parameters! {
    /// Cuts out by a picture, or mixes it in. The picture is stretched to the box.
    Mask("mask", "Mask and image", "Cuts out by a picture, or mixes it in") {
        /// The picture.
        path: String = file(Image), "Picture";
        /// What it does.
        mode: MaskMode = choice(MaskMode::Cut, "cut", MaskMode::OPTIONS), "Mode";
        /// What of it counts when it cuts out.
        channel: MaskChannel = choice(MaskChannel::Alpha, "alpha", MaskChannel::OPTIONS), "By";
        /// The other way round.
        invert: bool = toggle(false), "Invert";
        /// How much of it.
        amount: f32 = number(1.0, 0.0, 1.0, 0.01, ""), "Amount";
    }
}
