import { mount } from 'svelte';
import { begin, t } from '$lib/words';
import '$lib/kit/base.css';
import '../studio.css';
import { TauriLink, inWindow } from '../link/tauri';
import type { View } from '../preview';
import { VIEWS } from '../projectors.svelte';
import Projector from './Projector.svelte';

const target = document.getElementById('app');
const asked = new URLSearchParams(location.search).get('view') ?? '';
const view: View = asked in VIEWS ? (asked as View) : 'program';
await begin('studio');
if (target && inWindow()) mount(Projector, { target, props: { link: new TauriLink(), view } });
else if (target) target.textContent = t('A projector opens from the window of Klieg: with the right button on the picture.');
