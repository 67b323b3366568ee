// Generated from the crate `scene`. Do not edit.
import type { Described } from './Described';

export const FILTERS: readonly Described[] = [
  {
    kind: "chroma_key",
    name: "Chroma key",
    hint: "Makes a colour transparent, such as a green wall",
    parameters: [
      { key: "color", name: "Key colour", control: { control: 'color', default: "#00b140" } },
      { key: "similarity", name: "Similarity", control: { control: 'number', min: 0, max: 1, default: 0.4, step: 0.01, unit: "" } },
      { key: "smoothness", name: "Smoothness", control: { control: 'number', min: 0, max: 1, default: 0.1, step: 0.01, unit: "" } },
      { key: "spill", name: "Spill reduction", control: { control: 'number', min: 0, max: 1, default: 0.5, step: 0.01, unit: "" } },
      { key: "edge", name: "Edge", control: { control: 'number', min: 0, max: 0.95, default: 0, step: 0.01, unit: "" } },
    ],
  },
  {
    kind: "luma_key",
    name: "Luma key",
    hint: "Makes what is dark or bright transparent",
    parameters: [
      { key: "low", name: "From brightness", control: { control: 'number', min: 0, max: 1, default: 0.1, step: 0.01, unit: "" } },
      { key: "high", name: "To brightness", control: { control: 'number', min: 0, max: 1, default: 1, step: 0.01, unit: "" } },
      { key: "smoothness", name: "Smoothness", control: { control: 'number', min: 0, max: 1, default: 0.05, step: 0.01, unit: "" } },
      { key: "invert", name: "Invert", control: { control: 'toggle', default: false } },
    ],
  },
  {
    kind: "color_correction",
    name: "Colour correction",
    hint: "Exposure, contrast, colour and opacity",
    parameters: [
      { key: "exposure", name: "Exposure", control: { control: 'number', min: -4, max: 4, default: 0, step: 0.05, unit: "EV" } },
      { key: "contrast", name: "Contrast", control: { control: 'number', min: -1, max: 1, default: 0, step: 0.01, unit: "" } },
      { key: "saturation", name: "Saturation", control: { control: 'number', min: -1, max: 2, default: 0, step: 0.01, unit: "" } },
      { key: "hue", name: "Hue", control: { control: 'number', min: -180, max: 180, default: 0, step: 1, unit: "°" } },
      { key: "temperature", name: "Temperature", control: { control: 'number', min: -1, max: 1, default: 0, step: 0.01, unit: "" } },
      { key: "gamma", name: "Gamma", control: { control: 'number', min: 0.1, max: 4, default: 1, step: 0.01, unit: "" } },
      { key: "opacity", name: "Opacity", control: { control: 'number', min: 0, max: 1, default: 1, step: 0.01, unit: "" } },
    ],
  },
  {
    kind: "lut",
    name: "LUT",
    hint: "A look from a .cube file",
    parameters: [
      { key: "path", name: "File", control: { control: 'file', accepts: 'lut' } },
      { key: "amount", name: "Amount", control: { control: 'number', min: 0, max: 1, default: 1, step: 0.01, unit: "" } },
    ],
  },
  {
    kind: "crop_pad",
    name: "Crop and pad",
    hint: "Cuts edges off; negative numbers add empty ones",
    parameters: [
      { key: "left", name: "Left", control: { control: 'number', min: -4096, max: 4096, default: 0, step: 1, unit: "px" } },
      { key: "top", name: "Top", control: { control: 'number', min: -4096, max: 4096, default: 0, step: 1, unit: "px" } },
      { key: "right", name: "Right", control: { control: 'number', min: -4096, max: 4096, default: 0, step: 1, unit: "px" } },
      { key: "bottom", name: "Bottom", control: { control: 'number', min: -4096, max: 4096, default: 0, step: 1, unit: "px" } },
    ],
  },
  {
    kind: "blur",
    name: "Blur",
    hint: "Makes a background soft or a text unreadable",
    parameters: [
      { key: "radius", name: "Radius", control: { control: 'number', min: 0, max: 200, default: 8, step: 1, unit: "px" } },
    ],
  },
  {
    kind: "sharpen",
    name: "Sharpen",
    hint: "Makes a soft camera crisp",
    parameters: [
      { key: "amount", name: "Amount", control: { control: 'number', min: 0, max: 2, default: 0.5, step: 0.01, unit: "" } },
    ],
  },
  {
    kind: "mask",
    name: "Mask and image",
    hint: "Cuts out by a picture, or mixes it in",
    parameters: [
      { key: "path", name: "Picture", control: { control: 'file', accepts: 'image' } },
      { key: "mode", name: "Mode", control: { control: 'choice', default: "cut", options: [["cut", "Cut out"], ["over", "Lay over"], ["add", "Add"], ["multiply", "Multiply"]] } },
      { key: "channel", name: "By", control: { control: 'choice', default: "alpha", options: [["alpha", "Transparency"], ["luma", "Brightness"]] } },
      { key: "invert", name: "Invert", control: { control: 'toggle', default: false } },
      { key: "amount", name: "Amount", control: { control: 'number', min: 0, max: 1, default: 1, step: 0.01, unit: "" } },
    ],
  },
  {
    kind: "matte",
    name: "Track matte",
    hint: "One half of the picture says how much of the other is seen",
    parameters: [
      { key: "side", name: "Matte", control: { control: 'choice', default: "right", options: [["right", "In the right half"], ["below", "In the lower half"]] } },
      { key: "invert", name: "Invert", control: { control: 'toggle', default: false } },
    ],
  },
  {
    kind: "scroll",
    name: "Scroll",
    hint: "Moves the picture through its box, round and round",
    parameters: [
      { key: "speed_x", name: "Across", control: { control: 'number', min: -2000, max: 2000, default: 100, step: 5, unit: "px/s" } },
      { key: "speed_y", name: "Down", control: { control: 'number', min: -2000, max: 2000, default: 0, step: 5, unit: "px/s" } },
      { key: "loops", name: "Without a gap", control: { control: 'toggle', default: true } },
    ],
  },
  {
    kind: "rounded_corners",
    name: "Rounded corners",
    hint: "Rounds the corners, up to a circle",
    parameters: [
      { key: "radius", name: "Radius", control: { control: 'number', min: 0, max: 2000, default: 24, step: 1, unit: "px" } },
    ],
  },
  {
    kind: "shadow",
    name: "Shadow",
    hint: "A soft shadow below the picture",
    parameters: [
      { key: "x", name: "Right", control: { control: 'number', min: -200, max: 200, default: 6, step: 1, unit: "px" } },
      { key: "y", name: "Down", control: { control: 'number', min: -200, max: 200, default: 6, step: 1, unit: "px" } },
      { key: "blur", name: "Softness", control: { control: 'number', min: 0, max: 100, default: 12, step: 1, unit: "px" } },
      { key: "color", name: "Colour", control: { control: 'color', default: "#000000b3" } },
    ],
  },
  {
    kind: "border",
    name: "Border",
    hint: "A line around the picture",
    parameters: [
      { key: "width", name: "Width", control: { control: 'number', min: 0, max: 200, default: 4, step: 1, unit: "px" } },
      { key: "color", name: "Colour", control: { control: 'color', default: "#ffffff" } },
      { key: "radius", name: "Corners", control: { control: 'number', min: 0, max: 2000, default: 0, step: 1, unit: "px" } },
    ],
  },
];

export const TRANSITIONS: readonly Described[] = [
  {
    kind: "cut",
    name: "Cut",
    hint: "At once",
    parameters: [
    ],
  },
  {
    kind: "fade",
    name: "Fade",
    hint: "One scene fades into the other",
    parameters: [
    ],
  },
  {
    kind: "fade_to_color",
    name: "Fade to colour",
    hint: "To a colour, and from there to the new scene",
    parameters: [
      { key: "color", name: "Colour", control: { control: 'color', default: "#000000" } },
    ],
  },
  {
    kind: "slide",
    name: "Slide",
    hint: "The new scene moves over the old one",
    parameters: [
      { key: "direction", name: "Direction", control: { control: 'choice', default: "left", options: [["left", "To the left"], ["right", "To the right"], ["up", "Up"], ["down", "Down"]] } },
    ],
  },
  {
    kind: "push",
    name: "Push",
    hint: "The new scene pushes the old one out",
    parameters: [
      { key: "direction", name: "Direction", control: { control: 'choice', default: "left", options: [["left", "To the left"], ["right", "To the right"], ["up", "Up"], ["down", "Down"]] } },
    ],
  },
  {
    kind: "luma_wipe",
    name: "Luma wipe",
    hint: "A shape or a picture of your own uncovers the new scene",
    parameters: [
      { key: "shape", name: "Shape", control: { control: 'choice', default: "bar", options: [["bar", "Bar"], ["curtain", "Curtain"], ["diagonal", "Diagonal"], ["circle", "Circle"], ["diamond", "Diamond"], ["clock", "Clock"], ["blinds", "Blinds"], ["dissolve", "Dissolve"]] } },
      { key: "path", name: "Own picture", control: { control: 'file', accepts: 'image' } },
      { key: "softness", name: "Softness", control: { control: 'number', min: 0, max: 1, default: 0.1, step: 0.01, unit: "" } },
      { key: "invert", name: "Invert", control: { control: 'toggle', default: false } },
    ],
  },
  {
    kind: "stinger",
    name: "Stinger",
    hint: "A video with its sound plays over the cut",
    parameters: [
      { key: "path", name: "Video", control: { control: 'file', accepts: 'video' } },
      { key: "cut_ms", name: "Cut point", control: { control: 'number', min: 0, max: 20000, default: 500, step: 10, unit: "ms" } },
      { key: "key", name: "See-through", control: { control: 'choice', default: "cover", options: [["cover", "As the video has it"], ["black", "Black"], ["green", "Green"], ["matte_right", "Matte in the right half"], ["matte_below", "Matte in the lower half"]] } },
    ],
  },
];
