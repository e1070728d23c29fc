using Microsoft.ML;

// Loads a model file and saves it under another name, again and again, until somebody ends the process. A line for each save.
var ml = new MLContext();
ITransformer model = ml.Trl().Load(args[0], out DataViewSchema? schema);
for (int save = 1; ; save++)
{
    ml.Trl().Save(model, schema, args[1]);
    Console.WriteLine(save);
}
