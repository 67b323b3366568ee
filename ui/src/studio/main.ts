import { mount } from 'svelte';
import '$lib/kit/base.css';
import './studio.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });
