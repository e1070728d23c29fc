using System.Globalization;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Attributes of attributes, as filters name them: "function.name", "0.role".</summary>
internal static class AttributePath
{
    public static object Get(Rendering run, object item, object path, object? absent = null)
    {
        foreach (object part in Parts(path))
        {
            run.Step();
            item = ValueAttributes.Element(run, item, part);
            if (absent is not null && item is UndefinedValue)
                item = absent;
        }
        return item;
    }

    private static IEnumerable<object> Parts(object path)
    {
        if (PythonText.AsText(path) is not { } text)
            return path is NoneValue ? [] : [path];
        return text.Split('.').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int place)
            ? JinjaGlobals.Number(place)
            : part);
    }

    /// <summary>What is compared when a filter sorts or finds doubles: the attribute, in lower case unless case matters.</summary>
    public static Func<object, object> Key(Rendering run, object? path, bool isCaseSensitive, object? absent = null) => item =>
    {
        object key = path is null or NoneValue ? item : Get(run, item, path, absent);
        return !isCaseSensitive && PythonText.AsText(key) is { } text ? PythonCase.Lower(text) : key;
    };
}
