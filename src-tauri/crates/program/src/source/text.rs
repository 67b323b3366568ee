//! Text as a picture: laid out by cosmic-text, drawn with outline, shadow and background.
//!
//! Two families are bundled, Inter and JetBrains Mono, so that text looks the same on every machine,
//! also on one without fonts. The system's own are looked at only when a style names one of them, or
//! a text has letters that the bundled ones lack.

mod ink;

use cosmic_text::fontdb::{self, Database};
use cosmic_text::{
    Attrs, Buffer, Family, FontSystem, Metrics, Shaping, SwashCache, SwashContent, Weight, Wrap,
};
use media::{Frame, Timestamp};
use scene::TextStyle;

use super::color;
use ink::{Canvas, Mask};

/// The family of text that names none, or one that the machine does not have.
pub const SANS: &str = "Inter";

/// The family for figures that must not move as they change.
pub const MONO: &str = "JetBrains Mono";

/// The bundled fonts: SIL Open Font License 1.1, see `assets/fonts`.
const BUNDLED: [&[u8]; 4] = [
    include_bytes!("../../../../../assets/fonts/Inter-Regular.otf"),
    include_bytes!("../../../../../assets/fonts/Inter-Bold.otf"),
    include_bytes!("../../../../../assets/fonts/JetBrainsMono-Regular.ttf"),
    include_bytes!("../../../../../assets/fonts/JetBrainsMono-Bold.ttf"),
];

/// From one line to the next, as a multiple of the letters' size.
const LINE: f32 = 1.25;

/// The largest side of a picture of text, in pixels.
const MAX_SIDE: u32 = 8192;

/// Glyph images that are kept.
const KEPT_GLYPHS: usize = 2000;

/// Makes pictures of text. Holds the fonts; one is enough for a process.
#[derive(Debug)]
pub struct Raster {
    fonts: FontSystem,
    glyphs: SwashCache,
    with_system: bool,
}

impl Default for Raster {
    fn default() -> Self {
        Self::new()
    }
}

impl Raster {
    /// With the bundled fonts; those of the system are loaded when they are first needed.
    pub fn new() -> Self {
        let mut faces = Database::new();
        for font in BUNDLED {
            faces.load_font_source(fontdb::Source::Binary(std::sync::Arc::new(font)));
        }
        faces.set_sans_serif_family(SANS);
        faces.set_serif_family(SANS);
        faces.set_monospace_family(MONO);
        Self {
            fonts: FontSystem::new_with_locale_and_db("en-US".into(), faces),
            glyphs: SwashCache::new(),
            with_system: false,
        }
    }

    /// The picture of a text: RGBA, straight alpha, as large as the text with its padding and effects,
    /// at most `max_width` pixels wide; longer lines are wrapped. Never fails: a colour that is none
    /// counts as white, a font that is missing as Inter.
    pub fn raster(
        &mut self,
        text: &str,
        style: &TextStyle,
        max_width: f32,
        timestamp: Timestamp,
    ) -> Frame {
        let look = Look::new(style, max_width);
        let mut buffer = self.lay_out(text, style, &look);
        if !self.with_system && lacks_letters(&buffer) {
            self.load_system_fonts();
            buffer = self.lay_out(text, style, &look);
        }
        let picture = self.draw(&buffer, &look);
        if self.glyphs.image_cache.len() > KEPT_GLYPHS {
            self.glyphs.image_cache.clear();
        }
        let (width, height) = (picture.width, picture.height);
        color::rgba(width, height, picture.into_straight(), timestamp)
    }

    /// How much ink is where in a line of text, 0 to 255 each, with its width and height.
    pub(super) fn mask(&mut self, text: &str, style: &TextStyle) -> (u32, u32, Vec<u8>) {
        let frame = self.raster(text, style, MAX_SIDE as f32, Timestamp::ZERO);
        let alpha = frame.planes()[0].data.chunks_exact(4).map(|pixel| pixel[3]);
        (frame.width(), frame.height(), alpha.collect())
    }

    fn lay_out(&mut self, text: &str, style: &TextStyle, look: &Look) -> Buffer {
        let wanted = style.font.trim();
        if !self.with_system && !wanted.is_empty() && self.family(wanted).is_none() {
            self.load_system_fonts();
        }
        let family = self.family(wanted).unwrap_or_else(|| SANS.to_owned());
        let weight = if style.bold {
            Weight::BOLD
        } else {
            Weight::NORMAL
        };
        let attrs = Attrs::new().family(Family::Name(&family)).weight(weight);
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(look.size, look.size * LINE));
        buffer.set_wrap(Wrap::WordOrGlyph);
        buffer.set_size(Some(look.max_text_width()), None);
        buffer.set_text(text, &attrs, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts, false);
        buffer
    }

    /// The exact name of a family that is loaded, whatever the case of its letters.
    fn family(&self, wanted: &str) -> Option<String> {
        let mut names = self.fonts.db().faces().flat_map(|face| &face.families);
        names
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(name, _)| name.clone())
    }

    fn load_system_fonts(&mut self) {
        self.with_system = true;
        let (locale, mut faces) = std::mem::replace(
            &mut self.fonts,
            FontSystem::new_with_locale_and_db("en-US".into(), Database::new()),
        )
        .into_locale_and_db();
        faces.load_system_fonts();
        tracing::debug!(faces = faces.len(), "the system's fonts are loaded");
        self.fonts = FontSystem::new_with_locale_and_db(locale, faces);
        // Glyphs are known by the number of their font, and those may have changed.
        self.glyphs = SwashCache::new();
    }

    fn draw(&mut self, buffer: &Buffer, look: &Look) -> Canvas {
        let mut width = 0.0_f32;
        let mut height = 0.0_f32;
        for run in buffer.layout_runs() {
            width = width.max(run.line_w);
            height = height.max(run.line_top + run.line_height);
        }
        let side = |length: f32| (length.ceil() as u32 + 2 * look.margin).clamp(1, MAX_SIDE);
        let (width, height) = (side(width), side(height));

        let mut letters = Mask::new(width, height);
        let mut colored = None;
        let origin = look.margin as f32;
        for run in buffer.layout_runs() {
            if run.line_top > height as f32 {
                break;
            }
            for glyph in run.glyphs {
                let placed = glyph.physical((origin, origin + run.line_y), 1.0);
                let Some(image) = self.glyphs.get_image(&mut self.fonts, placed.cache_key) else {
                    continue;
                };
                let at = (
                    placed.x + image.placement.left,
                    placed.y - image.placement.top,
                );
                let size = (image.placement.width, image.placement.height);
                match image.content {
                    SwashContent::Mask => letters.add(at, size, &image.data),
                    // Emoji bring their own colours.
                    SwashContent::Color => colored
                        .get_or_insert_with(|| Canvas::new(width, height))
                        .draw_picture(at, size, &image.data),
                    SwashContent::SubpixelMask => {}
                }
            }
        }

        let mut canvas = Canvas::new(width, height);
        if let Some(background) = look.background {
            canvas.fill_inside(look.margin - look.padding, background);
        }
        let outlined = look
            .outline
            .map(|(color, radius)| (color, letters.grown(radius)));
        if let Some((offset, blur)) = look.shadow {
            let shape = outlined.as_ref().map_or(&letters, |(_, mask)| mask);
            canvas.draw(&shape.blurred(blur), offset, [0, 0, 0, 160]);
        }
        if let Some((color, mask)) = &outlined {
            canvas.draw(mask, 0, *color);
        }
        canvas.draw(&letters, 0, look.color);
        if let Some(colored) = colored {
            canvas.over(&colored);
        }
        canvas
    }
}

fn lacks_letters(buffer: &Buffer) -> bool {
    buffer
        .layout_runs()
        .any(|run| run.glyphs.iter().any(|glyph| glyph.glyph_id == 0))
}

/// A style with its values checked, and what follows from them.
struct Look {
    size: f32,
    max_width: f32,
    color: [u8; 4],
    background: Option<[u8; 4]>,
    padding: u32,
    /// Colour and width.
    outline: Option<([u8; 4], f32)>,
    /// Pixels to the right and down, and of blur.
    shadow: Option<(i32, u32)>,
    /// Around the text: room for padding and effects.
    margin: u32,
}

impl Look {
    fn new(style: &TextStyle, max_width: f32) -> Self {
        let within = |value: f32, least: f32, most: f32| {
            if value.is_finite() {
                value.clamp(least, most)
            } else {
                least
            }
        };
        let size = within(style.size, 4.0, 1000.0);
        let optional = |text: &Option<String>| color::parse(text.as_deref()?).ok();
        let width = within(style.outline_width, 0.0, 50.0);
        let outline = optional(&style.outline)
            .map(|color| (color, width))
            .filter(|_| width > 0.0);
        let shadow = style.shadow.then(|| {
            let offset = (size * 0.05).round().max(1.0) as i32;
            (offset, (size * 0.05).round().max(1.0) as u32)
        });
        let background = optional(&style.background);
        let padding = within(style.padding, 0.0, 500.0).round() as u32;
        let outlined = outline.map_or(0, |(_, width)| width.ceil() as u32 + 1);
        let shaded = shadow.map_or(0, |(offset, blur)| offset.unsigned_abs() + 3 * blur);
        Self {
            size,
            max_width: within(max_width, 16.0, MAX_SIDE as f32),
            color: color::parse(&style.color).unwrap_or([255; 4]),
            background,
            padding,
            outline,
            shadow,
            margin: padding.max(outlined + shaded),
        }
    }

    fn max_text_width(&self) -> f32 {
        (self.max_width - 2.0 * self.margin as f32).max(self.size)
    }
}

#[cfg(test)]
mod tests;
