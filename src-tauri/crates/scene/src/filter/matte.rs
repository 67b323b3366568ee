use crate::parameter::{choices, parameters};

choices! {
    /// Where a matte stands in a picture.
    MatteSide {
        /// In its right half.
        Right = "right", "In the right half";
        /// In its lower half.
        Below = "below", "In the lower half";
    }
}

parameters! {
    /// Transparency from the other half of the picture, as videos carry it that can have none.
    Matte("matte", "Track matte", "One half of the picture says how much of the other is seen") {
        /// Where it stands.
        side: MatteSide = choice(MatteSide::Right, "right", MatteSide::OPTIONS), "Matte";
        /// The other way round.
        invert: bool = toggle(false), "Invert";
    }
}
