namespace Microsoft.ML.Trl.Templates;

/// <summary>
/// Jinja's filters, by name. Those of texts are in <see cref="TextFilters"/>, those of lists in <see cref="ListFilters"/>.
/// </summary>
internal static class JinjaFilters
{
    private static readonly Dictionary<string, TemplateFilter> Filters = new()
    {
        ["abs"] = NumberFilters.Abs,
        ["attr"] = (run, value, call) => ValueAttributes.Own(run, value, call.Bind(run, "name").Text(0)),
        ["batch"] = ListFilters.Batch,
        ["capitalize"] = TextFilters.Whole(PythonCase.Capitalize),
        ["center"] = TextFilters.Center,
        ["count"] = ListFilters.Length,
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = ListFilters.DictSort,
        ["e"] = TextFilters.Escape,
        ["escape"] = TextFilters.Escape,
        ["filesizeformat"] = NumberFilters.FileSize,
        ["first"] = ListFilters.First,
        ["float"] = NumberFilters.Float,
        ["forceescape"] = (run, value, call) => TextFilters.Escape(run, PythonText.Of(run, value), call),
        ["format"] = TextFilters.Format,
        ["groupby"] = ListFilters.GroupBy,
        ["indent"] = TextFilters.Indent,
        ["int"] = NumberFilters.Int,
        ["items"] = ListFilters.Items,
        ["join"] = TextFilters.Join,
        ["last"] = ListFilters.Last,
        ["length"] = ListFilters.Length,
        ["list"] = ListFilters.ToList,
        ["lower"] = TextFilters.Whole(PythonCase.Lower),
        ["map"] = SelectionFilters.Map,
        ["max"] = (run, value, call) => ListFilters.Extreme(run, value, call, isLargest: true),
        ["min"] = (run, value, call) => ListFilters.Extreme(run, value, call, isLargest: false),
        ["reject"] = (run, value, call) => SelectionFilters.Select(run, value, call, isKept: false),
        ["rejectattr"] = (run, value, call) => SelectionFilters.SelectAttribute(run, value, call, isKept: false),
        ["replace"] = TextFilters.Replace,
        ["reverse"] = ListFilters.Reverse,
        ["round"] = NumberFilters.Round,
        ["safe"] = TextFilters.Safe,
        ["select"] = (run, value, call) => SelectionFilters.Select(run, value, call, isKept: true),
        ["selectattr"] = (run, value, call) => SelectionFilters.SelectAttribute(run, value, call, isKept: true),
        ["slice"] = ListFilters.Slice,
        ["sort"] = ListFilters.Sort,
        ["string"] = TextFilters.ToText,
        ["striptags"] = TextFilters.StripTags,
        ["sum"] = ListFilters.Sum,
        ["title"] = TextFilters.Whole(PythonCase.TitleWords),
        ["tojson"] = JsonText.Of,
        ["trim"] = TextFilters.Trim,
        ["truncate"] = TextFilters.Truncate,
        ["unique"] = ListFilters.Unique,
        ["upper"] = TextFilters.Whole(PythonCase.Upper),
        ["urlencode"] = TextFilters.UrlEncode,
        ["wordcount"] = TextFilters.WordCount,
    };

    /// <summary>Filters that Jinja has and this interpreter has not.</summary>
    private static readonly HashSet<string> Others = ["pprint", "random", "urlize", "wordwrap", "xmlattr"];

    /// <summary>A filter, null where there is none of that name.</summary>
    public static TemplateFilter? Find(string name) => Filters.GetValueOrDefault(name);

    /// <summary>Whether Jinja has a filter of that name that is missing here.</summary>
    public static bool IsMissing(string name) => Others.Contains(name);

    /// <summary>Applies a filter by its name.</summary>
    /// <exception cref="ChatTemplateException">There is no such filter, or it does not go with these arguments.</exception>
    public static object Apply(Rendering run, string name, object value, CallArguments arguments)
    {
        run.Characters(PythonText.AsText(value)?.Length ?? 0);
        run.Step();
        TemplateFilter filter = Find(name)
            ?? throw run.Error(IsMissing(name) ? $"The filter '{name}' is not supported." : $"No filter named '{name}'.");
        return filter(run, value, arguments);
    }

    private static object Default(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "default_value?", "boolean?");
        bool isMissing = value is UndefinedValue || (bound.Flag(1) && !PythonOperators.IsTrue(run, value));
        return isMissing ? bound[0] ?? "" : value;
    }
}

/// <summary>A filter: the value before the bar, and the arguments in its brackets.</summary>
internal delegate object TemplateFilter(Rendering run, object value, CallArguments call);
