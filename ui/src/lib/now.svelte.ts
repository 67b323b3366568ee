/** The time of day in ms since 1970, moving every `every` ms while something looks at it. */
export class Now {
  ms = $state(Date.now());

  constructor(every: number) {
    $effect(() => {
      const timer = setInterval(() => (this.ms = Date.now()), every);
      return () => clearInterval(timer);
    });
  }
}
