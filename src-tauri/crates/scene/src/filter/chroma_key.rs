use crate::parameter::parameters;

parameters! {
    /// Makes a colour transparent: a person before a green or blue wall.
    ChromaKey("chroma_key", "Chroma key", "Makes a colour transparent, such as a green wall") {
        /// The colour of the wall.
        color: String = color("#00b140"), "Key colour";
        /// How far from the key a colour may be and still go.
        similarity: f32 = number(0.4, 0.0, 1.0, 0.01, ""), "Similarity";
        /// How softly it ends there.
        smoothness: f32 = number(0.1, 0.0, 1.0, 0.01, ""), "Smoothness";
        /// How much of the key's tint is taken from what stays.
        spill: f32 = number(0.5, 0.0, 1.0, 0.01, ""), "Spill reduction";
        /// How much of the half transparent edge is cut away.
        edge: f32 = number(0.0, 0.0, 0.95, 0.01, ""), "Edge";
    }
}
