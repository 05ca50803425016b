"""The layout ``mrsdl``: ``fsleyes -s mrsdl`` opens it with the plugin.

In the form in which FSLeyes saves layouts: views, their positions, and the controls of each view.
"""

_VIEWS = "fsleyes.views.orthopanel.OrthoPanel,fsleyes_plugin.panels.fit_view.MRSFitView"
_PLACES = (
    "layout2|"
    "name=OrthoPanel 1;caption=Ortho View 1;state=2103168;dir=5;layer=0;row=0;pos=0;prop=100000;"
    "bestw=20;besth=20;minw=-1;minh=-1;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=-1;floath=-1|"
    "name=MRSFitView 2;caption=MRS fit 2;state=2103292;dir=2;layer=0;row=0;pos=0;prop=100000;"
    "bestw=840;besth=925;minw=-1;minh=-1;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=-1;floath=-1|"
    "dock_size(5,0,0)=22|"
    "dock_size(2,0,0)=840|"
)
_ORTHO = (
    "fsleyes.controls.overlaydisplaytoolbar.OverlayDisplayToolBar,"
    "fsleyes.controls.orthotoolbar.OrthoToolBar,"
    "fsleyes.controls.overlaylistpanel.OverlayListPanel,"
    "fsleyes.controls.locationpanel.LocationPanel;syncLocation=True,"
    "syncOverlayOrder=True,"
    "syncOverlayDisplay=True,"
    "syncOverlayVolume=True,"
    "movieRate=400,"
    "movieAxis=3;showCursor=True,"
    "bgColour=#000000ff,"
    "fgColour=#ffffffff,"
    "cursorColour=#00ff00ff,"
    "cursorGap=False,"
    "showColourBar=True,"
    "colourBarLocation=right,"
    "colourBarLabelSide=top-left,"
    "showXCanvas=True,"
    "showYCanvas=True,"
    "showZCanvas=True,"
    "showLabels=True,"
    "labelSize=9,"
    "layout=grid,"
    "xzoom=100.0,"
    "yzoom=100.0,"
    "zzoom=100.0"
)
_ORTHO_PLACES = (
    "layout2|"
    "name=Panel;caption=;state=768;dir=5;layer=0;row=0;pos=0;prop=100000;bestw=20;besth=20;minw=-1;"
    "minh=-1;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=-1;floath=-1|"
    "name=OverlayDisplayToolBar;caption=Overlay display toolbar;state=142332;dir=1;layer=11;row=0;"
    "pos=0;prop=100000;bestw=751;besth=51;minw=1;minh=51;maxw=-1;maxh=-1;floatx=-1;floaty=-1;"
    "floatw=8;floath=24|"
    "name=OrthoToolBar;caption=Ortho toolbar;state=142332;dir=1;layer=10;row=0;pos=0;prop=100000;"
    "bestw=751;besth=51;minw=1;minh=51;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=759;floath=75|"
    "name=OverlayListPanel;caption=Overlay list;state=2099196;dir=3;layer=0;row=0;pos=0;prop=100000;"
    "bestw=276;besth=104;minw=276;minh=104;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=284;floath=128|"
    "name=LocationPanel;caption=Location;state=2099196;dir=3;layer=0;row=0;pos=1;prop=100000;"
    "bestw=495;besth=137;minw=1;minh=1;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=503;floath=161|"
    "dock_size(5,0,0)=10|"
    "dock_size(1,10,0)=53|"
    "dock_size(1,11,0)=53|"
    "dock_size(3,0,0)=156|"
)
_FIT = (
    "fsleyes_plugin.panels.table_panel.MRSFitTable,"
    "fsleyes_plugin.panels.map_panel.MRSFitMaps,"
    "fsleyes_plugin.panels.quality_panel.MRSFitQuality;;"
)
_FIT_PLACES = (
    "layout2|"
    "name=Panel;caption=;state=768;dir=5;layer=0;row=0;pos=0;prop=100000;bestw=20;besth=20;minw=-1;"
    "minh=-1;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=-1;floath=-1|"
    "name=MRSFitTable;caption=Table at the cursor;state=2099196;dir=3;layer=0;row=0;pos=0;"
    "prop=200000;bestw=400;besth=210;minw=300;minh=190;maxw=-1;maxh=-1;floatx=-1;floaty=-1;"
    "floatw=408;floath=234|"
    "name=MRSFitMaps;caption=Maps;state=2099196;dir=1;layer=0;row=0;pos=0;prop=100000;bestw=712;"
    "besth=80;minw=300;minh=80;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=720;floath=108|"
    "name=MRSFitQuality;caption=Quality;state=2099196;dir=3;layer=0;row=0;pos=1;prop=100000;"
    "bestw=334;besth=190;minw=270;minh=190;maxw=-1;maxh=-1;floatx=-1;floaty=-1;floatw=342;floath=214|"
    "dock_size(5,0,0)=10|"
    "dock_size(3,0,0)=236|"
    "dock_size(1,0,0)=102|"
)

MRSDL = "\n".join((_VIEWS, _PLACES, _ORTHO, _ORTHO_PLACES, _FIT, _FIT_PLACES))
"""Ortho view on the left; on the right the Fit view with maps, table and quality."""
