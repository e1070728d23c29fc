namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A function of rows and of a text column, which is read once.</summary>
/// <param name="name">Of the reward.</param>
/// <param name="column">Name of the column.</param>
/// <param name="role">What it holds, such as <c>solution</c>; messages say so.</param>
/// <param name="score">Of the text in the row, and the completion.</param>
internal sealed class TextColumnReward(string name, string column, string role, Func<string, RewardRow, double?> score)
    : RewardFunction(name)
{
    internal override void Check(MLContext ml, DataViewSchema data) => InputColumns.Text(data, column, role);

    internal override BoundReward Bind(RewardContext context)
    {
        DataViewSchema.Column found = InputColumns.Text(context.Data.Schema, column, role);
        string[] texts = [.. RowReader.Read(context.Data, [found]).Select(row => row.Texts[0])];
        return (rows, _) => Task.FromResult<IReadOnlyList<double?>>([.. rows.Select(row => score(texts[row.Row], row))]);
    }
}
