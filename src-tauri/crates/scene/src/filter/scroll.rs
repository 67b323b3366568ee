use crate::parameter::parameters;

parameters! {
    /// Moves the picture through its box.
    Scroll("scroll", "Scroll", "Moves the picture through its box, round and round") {
        /// Across; positive moves the picture to the left.
        speed_x: f32 = number(100.0, -2000.0, 2000.0, 5.0, "px/s"), "Across";
        /// Down; positive moves the picture up.
        speed_y: f32 = number(0.0, -2000.0, 2000.0, 5.0, "px/s"), "Down";
        /// Comes in again at the other edge; else it leaves, and comes in again empty space later.
        loops: bool = toggle(true), "Without a gap";
    }
}
