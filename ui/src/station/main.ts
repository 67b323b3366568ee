import { mount } from 'svelte';
import { begin } from '$lib/words';
import '$lib/kit/base.css';
import './station.css';
import App from './App.svelte';

const target = document.getElementById('app');
await begin('station');
if (target) mount(App, { target });
