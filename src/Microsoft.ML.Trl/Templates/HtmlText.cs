using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Escaping for HTML: the filter <c>escape</c>, and what happens to texts that are joined to a marked one.</summary>
internal static class HtmlText
{
    /// <summary>A value as HTML; marked texts are it already.</summary>
    public static string Of(Rendering run, object value)
        => value is MarkupValue markup ? markup.Text : Escape(run, PythonText.Of(run, value));

    public static string Escape(Rendering run, string text)
    {
        run.Characters(text.Length);
        var escaped = new StringBuilder(text.Length);
        foreach (char character in text)
            if (Entity(character) is { } entity)
                escaped.Append(entity);
            else
                escaped.Append(character);
        run.Characters(escaped.Length);
        return escaped.ToString();
    }

    private static string? Entity(char character) => character switch
    {
        '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '\'' => "&#39;", '"' => "&#34;", _ => null,
    };
}
