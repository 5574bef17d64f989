"""What dashboards are made of: panels, variables and links as Grafana reads them from JSON.

In an expression, `@` stands for the selector of the dashboard: the job and the instance that were chosen, and in the
dashboard of a namespace its name too.
"""
DATASOURCE = {"type": "prometheus", "uid": "$datasource"}
SELECTOR = 'job=~"$job", instance=~"$instance"'
GREEN, YELLOW, RED = "green", "orange", "red"
# Good at 0, bad from 1 on; and the other way about.
TROUBLE, RUNS = [(None, GREEN), (1, RED)], [(None, RED), (1, GREEN)]


def link(dashboard, *variables):
    """The address of another dashboard, with what the row is about. A label is somebody else's text: it is encoded."""
    values = "".join(f"&var-{name}=${{__data.fields.{name}:percentencode}}" for name in variables)
    return f"/d/netdrift-{dashboard}?var-datasource=${{datasource}}{values}&${{__url_time_range}}"


def target(index, expr, legend="", **more):
    return {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "editorMode": "code", "expr": expr,
            "legendFormat": legend, "range": not more.get("instant", False), **more}


def field(unit, thresholds=None, custom=None, overrides=(), **more):
    steps = [{"value": value, "color": color} for value, color in thresholds or [(None, GREEN)]]
    defaults = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}, "custom": custom or {}, **more}
    return {"defaults": defaults, "overrides": list(overrides)}


def panel(kind, title, description, targets, fields, options, width, height, **more):
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
            "gridPos": {"w": width, "h": height, "x": 0, "y": 0}, "targets": targets, "fieldConfig": fields,
            "options": options, **more}


def stat(title, description, expr, unit="none", thresholds=None, width=4):
    options = {"graphMode": "area", "colorMode": "value", "justifyMode": "auto", "textMode": "auto", "wideLayout": True,
               "showPercentChange": False, "percentChangeColorMode": "standard", "orientation": "auto",
               "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""}}
    return panel("stat", title, description, [target(0, expr)],
                 field(unit, thresholds, noValue="unknown"), options, width, 4)


LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
TOOLTIP = {"mode": "multi", "sort": "desc"}


def series(title, description, queries, unit="short", width=12, height=8, stacked=False, **more):
    custom = {"lineWidth": 1, "fillOpacity": 20 if stacked else 5, "showPoints": "never",
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    return panel("timeseries", title, description, [target(i, *query) for i, query in enumerate(queries)],
                 field(unit, custom=custom, **more), {"legend": LEGEND, "tooltip": TOOLTIP}, width, height)


def states(title, description, queries, texts, width=24, height=8):
    """What is 0 or 1 at each moment."""
    mapping = {"type": "value", "options": {
        str(value): {"text": text, "color": color, "index": value} for value, (text, color) in enumerate(texts)}}
    return panel("state-timeline", title, description, [target(i, *query) for i, query in enumerate(queries)],
                 field("none", custom={"lineWidth": 0, "fillOpacity": 70}, mappings=[mapping]),
                 {"showValue": "never", "rowHeight": 0.9, "mergeValues": True, "alignValue": "left", "perPage": 30,
                  "legend": LEGEND, "tooltip": {"mode": "single", "sort": "none"}}, width, height)


def heatmap(title, description, expr, unit, width=12, height=8):
    return panel("heatmap", title, description, [target(0, expr, "{{le}}", format="heatmap")], field(unit), {
        "calculate": False, "showValue": "never", "yAxis": {"unit": unit, "axisPlacement": "left"},
        "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "exponent": 0.5, "steps": 64,
                  "reverse": False},
        "legend": {"show": True}, "tooltip": {"mode": "single", "yHistogram": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"}, "rowsFrame": {"layout": "auto"}, "filterValues": {"le": 1e-9}},
        width, height)


def table(title, description, queries, columns, unit="none", links=None, width=24, height=9, sort=None):
    """Instant queries, joined by the labels they share. `columns`: label or Value #A -> heading, or (heading, unit,
    thresholds); what is not named is left out."""
    overrides, names = [], {}
    for name, column in columns.items():
        heading, *rest = (column,) if isinstance(column, str) else column
        names[name] = heading
        properties = []
        if rest:
            properties.append({"id": "unit", "value": rest[0]})
        if len(rest) > 1:
            steps = [{"value": value, "color": color} for value, color in rest[1]]
            properties += [{"id": "custom.cellOptions", "value": {"type": "color-text"}},
                           {"id": "thresholds", "value": {"mode": "absolute", "steps": steps}}]
        if links and name in links:
            properties.append({"id": "links", "value": [{"title": "Open", "url": links[name], "targetBlank": False}]})
        if properties:
            overrides.append({"matcher": {"id": "byName", "options": heading}, "properties": properties})
    one = len(queries) == 1
    targets = [target(i, query, format="table", instant=True) for i, query in enumerate(queries)]
    if one:
        names = {name.replace("Value #A", "Value"): heading for name, heading in names.items()}
    transformations = ([] if one else [{"id": "merge", "options": {}}]) + [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}},
        {"id": "organize", "options": {"excludeByName": {}, "renameByName": names,
                                       "indexByName": {name: i for i, name in enumerate(names)}}}]
    options = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    if sort:
        options["sortBy"] = [{"displayName": sort, "desc": True}]
    return panel("table", title, description, targets,
                 field(unit, custom={"align": "auto", "filterable": True, "inspect": False}, overrides=overrides, noValue=""), options,
                 width, height, transformations=transformations)


def variable(name, metric, label, description, multi=True):
    more = {"includeAll": True, "multi": True, "allValue": ".+",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}} if multi else {
            "includeAll": False, "multi": False}
    return {"type": "query", "name": name, "label": label, "description": description, "datasource": DATASOURCE,
            "query": f"label_values({metric}, {name})", "definition": f"label_values({metric}, {name})",
            "refresh": 2, "sort": 1, "hide": 0, **more}


def dashboard(name, title, description, variables, panels, selector=SELECTOR):
    x = y = tallest = 0
    for number, item in enumerate(panels, 1):
        place = item["gridPos"]
        if x + place["w"] > 24:
            x, y, tallest = 0, y + tallest, 0
        place["x"], place["y"] = x, y
        x, tallest, item["id"] = x + place["w"], max(tallest, place["h"]), number
        for query in item["targets"]:
            query["expr"] = query["expr"].replace("@", selector)
    common = [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1, "hide": 0},
        variable("job", "netdrift_build_info", "Job", "The scrape job of the agents."),
        variable("instance", 'netdrift_build_info{job=~"$job"}', "Host", "The host: the address of its agent.")]
    alerts = {"name": "Alerts", "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": RED,
              "expr": f'ALERTS{{alertstate="firing", alertname=~"Netdrift.+|Netns.+", {SELECTOR}}}',
              "titleFormat": "{{alertname}}", "textFormat": "{{netns}} {{sysctl}} {{device}} {{target}}",
              "tagKeys": "severity,instance", "step": "30s"}
    others = {"title": "netdrift", "type": "dashboards", "icon": "external link", "tooltip": "", "tags": ["netdrift"],
              "asDropdown": True, "targetBlank": False, "includeVars": True, "keepTime": True}
    return {"uid": f"netdrift-{name}", "title": title, "description": description, "tags": ["netdrift"],
            "schemaVersion": 39, "editable": False, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"}, "annotations": {"list": [alerts]}, "links": [others],
            "templating": {"list": common + variables}, "panels": panels}
