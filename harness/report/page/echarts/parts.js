// The parts of Apache ECharts that pages use: 'make echarts' bundles them, and
// leaves the rest out. Heat maps, legends and titles are HTML.
import {init, use} from 'echarts/core';
import {CustomChart, LineChart, ScatterChart} from 'echarts/charts';
import {GridComponent, MarkLineComponent, TooltipComponent} from 'echarts/components';
import {SVGRenderer} from 'echarts/renderers';

use([CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);

export {init};
