/** Phones that fill the screen with a film alone. */
interface Phone {
  webkitEnterFullscreen?: () => void;
}

/** Fills the screen with a player and all its controls, or gives it back. */
export async function fullscreen(box: HTMLElement | undefined, video: HTMLVideoElement | undefined): Promise<void> {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (box?.requestFullscreen) await box.requestFullscreen();
    else (video as Phone | undefined)?.webkitEnterFullscreen?.();
  } catch {
    // Refused by the browser: the page stays as it is.
  }
}

/** Lets the picture float above other windows, or brings it back. */
export async function smallWindow(video: HTMLVideoElement | undefined): Promise<void> {
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await video?.requestPictureInPicture();
  } catch {
    // Refused by the browser: the page stays as it is.
  }
}
