import { mount } from 'svelte';
import { begin } from '$lib/words';
import '$lib/kit/base.css';
import './studio.css';
import App from './App.svelte';

const target = document.getElementById('app');
await begin('studio');
if (target) mount(App, { target });
