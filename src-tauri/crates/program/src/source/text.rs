//! Text as a picture: laid out by cosmic-text, drawn with outline, shadow and background.
//!
//! Two families are bundled, Inter and JetBrains Mono, so that text looks the same on every machine,
//! also on one without fonts. The system's own are looked at only when a style names one of them, or
//! a text has letters that the bundled ones lack.

mod ink;
mod look;

use std::sync::LazyLock;

use cosmic_text::fontdb::{self, Database};
use cosmic_text::{
    Align, Attrs, Buffer, CacheKeyFlags, Color, Family, FeatureTag, FontFeatures, FontSystem,
    LayoutRun, LetterSpacing, Metrics, Shaping, Style, SwashCache, SwashContent, Weight, Wrap,
};
use media::{Frame, Timestamp};
use scene::{TextAlign, TextStyle};

use super::color;
use ink::{Canvas, Mask, Paint};
use look::Look;

pub(super) use ink::Pixels;

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

/// The largest side of a picture of text, in pixels.
const MAX_SIDE: u32 = 8192;

/// The largest side of a text that moves through its picture, in pixels.
const MAX_STRIP: u32 = 65_536;

/// The most pixels of a text that moves: 64 MB.
const MAX_STRIP_AREA: u32 = 1 << 24;

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
        Self {
            fonts: FontSystem::new_with_locale_and_db("en-US".into(), bundled()),
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
        let picture = self.picture(&[Span::plain(text)], style, &look, MAX_SIDE);
        picture.into_frame(timestamp)
    }

    /// The same with figures that are all equally wide, so that what counts stands still.
    pub(super) fn figures(&mut self, text: &str, style: &TextStyle, max_width: f32) -> Pixels {
        let mut look = Look::new(style, max_width);
        look.figures = true;
        self.picture(&[Span::plain(text)], style, &look, MAX_SIDE)
    }

    /// The picture of a text that moves, which may be longer than a frame can be: wrapped at `wrap` pixels, or
    /// one line where it is absent. What is beyond 65 536 pixels, or 16 million of them, is cut off.
    pub(super) fn strip(&mut self, text: &str, style: &TextStyle, wrap: Option<f32>) -> Pixels {
        let mut look = Look::new(style, wrap.unwrap_or(MAX_SIDE as f32));
        if wrap.is_none() {
            look.wrap = None;
            look.max_width = f32::INFINITY;
        }
        // Its background goes on before and behind it.
        look.padding = look.margin;
        look.radius = 0.0;
        self.picture(&[Span::plain(text)], style, &look, MAX_STRIP)
    }

    /// The picture of text in several colours, wrapped at `width` pixels.
    pub(super) fn spans(&mut self, spans: &[Span<'_>], style: &TextStyle, width: f32) -> Pixels {
        let look = Look::new(style, width);
        self.picture(spans, style, &look, MAX_SIDE)
    }

    fn picture(&mut self, spans: &[Span<'_>], style: &TextStyle, look: &Look, most: u32) -> Pixels {
        let mut buffer = self.lay_out(spans, style, look);
        if !self.with_system && lacks_letters(&buffer) {
            self.load_system_fonts();
            buffer = self.lay_out(spans, style, look);
        }
        let picture = self.draw(&mut buffer, look, most);
        if self.glyphs.image_cache.len() > KEPT_GLYPHS {
            self.glyphs.image_cache.clear();
        }
        picture.into_pixels()
    }

    /// How much ink is where in a line of text, 0 to 255 each, with its width and height.
    pub(super) fn mask(&mut self, text: &str, style: &TextStyle) -> (u32, u32, Vec<u8>) {
        let frame = self.raster(text, style, MAX_SIDE as f32, Timestamp::ZERO);
        let alpha = frame.planes()[0].data.chunks_exact(4).map(|pixel| pixel[3]);
        (frame.width(), frame.height(), alpha.collect())
    }

    fn lay_out(&mut self, spans: &[Span<'_>], style: &TextStyle, look: &Look) -> Buffer {
        let wanted = style.font.trim();
        if !self.with_system && !wanted.is_empty() && self.family(wanted).is_none() {
            self.load_system_fonts();
        }
        let family = self.family(wanted).unwrap_or_else(|| SANS.to_owned());
        let mut attrs = Attrs::new().family(Family::Name(&family));
        if style.bold {
            attrs = attrs.weight(Weight::BOLD);
        }
        if style.italic {
            attrs = attrs.style(Style::Italic);
            if !self.has_italic(&family) {
                attrs = attrs.cache_key_flags(CacheKeyFlags::FAKE_ITALIC);
            }
        }
        if look.letter_spacing != 0.0 {
            attrs.letter_spacing_opt = Some(LetterSpacing(look.letter_spacing / look.size));
        }
        if look.figures {
            let mut features = FontFeatures::new();
            features.enable(FeatureTag::new(b"tnum"));
            attrs = attrs.font_features(features);
        }
        let mut buffer = Buffer::new(
            &mut self.fonts,
            Metrics::new(look.size, look.size * look.line_spacing),
        );
        buffer.set_wrap(Wrap::WordOrGlyph);
        let width = look.max_text_width();
        buffer.set_size(width.is_finite().then_some(width), None);
        // From the left whatever the script: where lines stand is said when all are known.
        match spans {
            [
                Span {
                    text,
                    color: None,
                    bold: false,
                },
            ] => buffer.set_text(text, &attrs, Shaping::Advanced, Some(Align::Left)),
            _ => {
                let spans = spans.iter().map(|span| {
                    let mut own = attrs.clone();
                    if let Some([r, g, b, a]) = span.color {
                        own = own.color(Color::rgba(r, g, b, a));
                    }
                    if span.bold {
                        own = own.weight(Weight::BOLD);
                    }
                    (span.text, own)
                });
                buffer.set_rich_text(spans, &attrs, Shaping::Advanced, Some(Align::Left));
            }
        }
        buffer.shape_until_scroll(&mut self.fonts, false);
        buffer
    }

    fn has_italic(&self, family: &str) -> bool {
        let mut faces = self.fonts.db().faces();
        faces.any(|face| {
            face.style != fontdb::Style::Normal
                && face.families.iter().any(|(name, _)| name == family)
        })
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

    fn draw(&mut self, buffer: &mut Buffer, look: &Look, most: u32) -> Canvas {
        let (mut width, height) = extent(buffer);
        if let Some(wrap) = look.wrap {
            width = wrap - 2.0 * look.margin as f32;
        }
        if look.align == TextAlign::Justify {
            buffer.set_size(Some(width.ceil()), None);
            for line in &mut buffer.lines {
                line.set_align(Some(Align::Justified));
            }
            buffer.shape_until_scroll(&mut self.fonts, false);
        }
        let side = |length: f32| (length.ceil() as u32 + 2 * look.margin).clamp(1, most);
        let (picture_width, mut picture_height) = (side(width), side(height));
        if most > MAX_SIDE {
            picture_height = picture_height.min((MAX_STRIP_AREA / picture_width).max(1));
        }
        let size = (picture_width, picture_height);

        let mut inks: Vec<(Option<Color>, Mask)> = vec![(None, Mask::new(size.0, size.1))];
        let mut colored = None;
        let origin = look.margin as f32;
        for run in buffer.layout_runs() {
            if run.line_top > size.1 as f32 {
                break;
            }
            let left = origin + look.indent(&run, width);
            for glyph in run.glyphs {
                let placed = glyph.physical((left, origin + run.line_y), 1.0);
                let Some(image) = self.glyphs.get_image(&mut self.fonts, placed.cache_key) else {
                    continue;
                };
                let at = (
                    placed.x + image.placement.left,
                    placed.y - image.placement.top,
                );
                let image_size = (image.placement.width, image.placement.height);
                match image.content {
                    SwashContent::Mask => {
                        mask_of(&mut inks, glyph.color_opt, size).add(at, image_size, &image.data);
                    }
                    // Emoji bring their own colours.
                    SwashContent::Color => colored
                        .get_or_insert_with(|| Canvas::new(size.0, size.1))
                        .draw_picture(at, image_size, &image.data),
                    SwashContent::SubpixelMask => {}
                }
            }
        }
        paint(look, &inks, colored.as_ref(), size)
    }
}

/// A part of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    pub(super) text: &'a str,
    /// Its own colour; absent is the style's.
    pub(super) color: Option<[u8; 4]>,
    pub(super) bold: bool,
}

impl<'a> Span<'a> {
    /// As its style says.
    pub(super) fn plain(text: &'a str) -> Self {
        Self {
            text,
            color: None,
            bold: false,
        }
    }
}

/// Every font family that text can have: bundled and installed, in the order of their names. Looked for
/// once; takes a while then.
pub fn families() -> &'static [String] {
    static FAMILIES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut faces = bundled();
        faces.load_system_fonts();
        let names = faces
            .faces()
            .filter_map(|face| face.families.first())
            .map(|(name, _)| name.clone());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort_by_key(|name| name.to_lowercase());
        names.dedup();
        names
    });
    &FAMILIES
}

fn bundled() -> Database {
    let mut faces = Database::new();
    for font in BUNDLED {
        faces.load_font_source(fontdb::Source::Binary(std::sync::Arc::new(font)));
    }
    faces.set_sans_serif_family(SANS);
    faces.set_serif_family(SANS);
    faces.set_monospace_family(MONO);
    faces
}

/// How wide and how high a text is.
fn extent(buffer: &Buffer) -> (f32, f32) {
    buffer
        .layout_runs()
        .fold((0.0, 0.0), |(width, height), run| {
            (
                run.line_w.max(width),
                (run.line_top + run.line_height).max(height),
            )
        })
}

/// The mask of the letters of one colour.
fn mask_of(
    inks: &mut Vec<(Option<Color>, Mask)>,
    color: Option<Color>,
    (width, height): (u32, u32),
) -> &mut Mask {
    let index = match inks.iter().position(|(of, _)| *of == color) {
        Some(index) => index,
        None => {
            inks.push((color, Mask::new(width, height)));
            inks.len() - 1
        }
    };
    &mut inks[index].1
}

/// Background, shadow, outline and letters, one over the other.
fn paint(
    look: &Look,
    inks: &[(Option<Color>, Mask)],
    colored: Option<&Canvas>,
    (width, height): (u32, u32),
) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    if let Some(background) = look.background {
        canvas.fill_inside(look.margin - look.padding, look.radius, background);
    }
    if look.outline.is_some() || look.shadow.is_some() {
        let merged;
        let letters = match inks {
            [(_, only)] => only,
            several => {
                merged = several.iter().map(|(_, mask)| mask).collect::<Mask>();
                &merged
            }
        };
        let outlined = look
            .outline
            .map(|(color, radius)| (color, letters.grown(radius)));
        if let Some(shadow) = look.shadow {
            let shape = outlined.as_ref().map_or(letters, |(_, mask)| mask);
            let paint = Paint::Flat(shadow.color);
            canvas.draw(&shape.blurred(shadow.blur), (shadow.x, shadow.y), &paint);
        }
        if let Some((color, mask)) = &outlined {
            canvas.draw(mask, (0, 0), &Paint::Flat(*color));
        }
    }
    for (color, mask) in inks {
        match (color, &look.gradient) {
            (Some(color), _) => {
                let paint = Paint::Flat([color.r(), color.g(), color.b(), color.a()]);
                canvas.draw(mask, (0, 0), &paint);
            }
            (None, Some(ramp)) => {
                let inset = look.margin;
                let size = (
                    width - 2 * inset.min(width / 2),
                    height - 2 * inset.min(height / 2),
                );
                canvas.draw(mask, (0, 0), &Paint::Ramp { ramp, inset, size });
            }
            (None, None) => canvas.draw(mask, (0, 0), &Paint::Flat(look.color)),
        }
    }
    if let Some(colored) = colored {
        canvas.over(colored);
    }
    canvas
}

impl Look {
    /// How far a line begins from the left edge of the text.
    fn indent(&self, run: &LayoutRun<'_>, width: f32) -> f32 {
        let left_over = (width - run.line_w).max(0.0);
        match self.align {
            TextAlign::Left | TextAlign::Justify => 0.0,
            TextAlign::Start if run.rtl => left_over,
            TextAlign::Start => 0.0,
            TextAlign::Center => left_over / 2.0,
            TextAlign::Right => left_over,
        }
    }
}

fn lacks_letters(buffer: &Buffer) -> bool {
    buffer
        .layout_runs()
        .any(|run| run.glyphs.iter().any(|glyph| glyph.glyph_id == 0))
}

#[cfg(test)]
mod tests;
