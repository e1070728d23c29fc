namespace Microsoft.ML;

/// <summary>An output column and the input column that it is made from.</summary>
public sealed class InputOutputColumnPair
{
    public InputOutputColumnPair(string outputColumnName, string inputColumnName = null)
    {
        Guard.NotEmpty(outputColumnName, nameof(outputColumnName));
        OutputColumnName = outputColumnName;
        InputColumnName = inputColumnName ?? outputColumnName;
    }

    public string OutputColumnName { get; }

    public string InputColumnName { get; }

    internal static (string Output, string Input)[] Pairs(IEnumerable<InputOutputColumnPair> columns) =>
        [.. columns.Select(column => (column.OutputColumnName, column.InputColumnName))];
}
